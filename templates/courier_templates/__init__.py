"""Lines of text, arranged: the templates of every file we write. Never escapes, never decides."""

from __future__ import annotations

from courier_templates.contexts import Context


def render(context: Context) -> str:
    """The text that the context's template makes of its fields."""
    # Imported here, because commands that write no file should not pay for Jinja.
    from courier_templates.environment import environment

    return environment().get_template(context.template).render(vars(context))
