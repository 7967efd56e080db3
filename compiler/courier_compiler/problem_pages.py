"""Pages of the manual about Problems: what each id means, and why it matters.

Checks bring their own; here are those of everything else: of reading a site, of its words and its settings, of
building, and of reading Courier's own files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from courier_compiler import checks


@dataclass(frozen=True, slots=True)
class Page:
    """One kind of problem: its name in a few words, and what would happen without the message."""

    title: str
    why: str


def page(name: str) -> Page | None:
    """The page of an id; None where there is no such problem."""
    return pages().get(name)


@cache
def pages() -> Mapping[str, Page]:
    """Every page, those of the checks included, sorted by id."""
    of_checks = {check.id: Page(check.title, check.why) for check in checks.discover()}
    return MappingProxyType(dict(sorted({**PAGES, **of_checks}.items())))


_YAML: Final = {
    "file-missing": Page(
        "A file that does not exist",
        "The site, or a file that it includes or carries, is not where its name says. Names are relative to the file "
        "that mentions them.",
    ),
    "file-unreadable": Page(
        "A file that cannot be read",
        "The file exists, but the system refuses to hand it out, mostly for lack of permission.",
    ),
    "not-utf-8": Page(
        "A file in another encoding",
        "Sites are text in UTF-8. In another encoding letters beyond ASCII would become other letters without a "
        "warning.",
    ),
    "empty-file": Page(
        "A file that says nothing",
        "There is no section in the file. An included file that is empty is most often one that was not saved.",
    ),
    "root-not-a-map": Page(
        "A file that is not a map of sections",
        "A site consists of sections with names. This file is a list, or a single word.",
    ),
    "too-deep": Page(
        "Lists and maps too deep within each other",
        "No site needs a hundred levels. Most often brackets were opened and never closed.",
    ),
    "several-documents": Page(
        "More than one document in a file",
        "Three dashes begin another YAML document. A site is one document, and several files are joined by include.",
    ),
    "control-character": Page(
        "A character that cannot be seen",
        "Control characters, and line breaks that editors do not show as such, would end up in Courier's files, where "
        "they end lines, values or strings in surprising places.",
    ),
    "compound-key": Page(
        "A list or a map as a key",
        "YAML allows it, but no key of a site is anything but a word. Often a key that begins with a bracket, such as "
        "an IPv6 address, needs quotes.",
    ),
    "duplicate-key": Page(
        "A key that is given twice",
        "In one map every key has one value. Most YAML readers silently keep the last one, and the first is lost.",
    ),
    "yaml-alias": Page(
        "A YAML alias",
        "A word that begins with an asterisk refers to another place in YAML. A site has none of that, so that every "
        "value can be read where it stands; the asterisk itself needs quotes.",
    ),
    "yaml-anchor": Page(
        "A YAML anchor",
        "A word that begins with & names a place in YAML so that others can refer to it. What several hosts or domains "
        "have in common is said by include and hosts.",
    ),
    "yaml-merge-key": Page(
        "A YAML merge key",
        "<< copies another map in old versions of YAML, and readers disagree about the result. What several places "
        "have in common is said by include and hosts.",
    ),
    "yaml-tag": Page(
        "A YAML tag",
        "A word that begins with an exclamation mark gives a value a type. In a site the type of a value follows from "
        "its key, and editors can check it.",
    ),
    "yaml-syntax": Page(
        "Text that is not YAML",
        "The reader cannot make sense of the text from here on. What comes behind is examined nevertheless, so other "
        "messages may follow from this one.",
    ),
    "yaml-tab": Page(
        "A tab in the indentation",
        "YAML indents by spaces only, because a tab has no fixed width. Most editors can be told to write spaces.",
    ),
    "yaml-indentation": Page(
        "An indentation that fits no level",
        "Keys of one map begin in one column. This line begins between two levels, so it is not clear which map it "
        "belongs to.",
    ),
    "yaml-missing-colon": Page(
        "A key without a colon",
        "Each entry of a map is a key, a colon and a space, and a value. Here the colon is missing, or the "
        "line belongs to the value above it and needs more indentation.",
    ),
    "yaml-missing-space": Page(
        "A colon without a space",
        "A colon separates key and value only when a space or the end of the line follows. Without it both are one "
        "word.",
    ),
    "yaml-missing-comma": Page(
        "Entries between brackets without a comma",
        "Between brackets and braces entries are separated by commas. Without one two entries run into each other.",
    ),
    "yaml-needs-quotes": Page(
        "A value that needs quotes",
        "Some characters have a meaning in YAML at the beginning of a value or between brackets: asterisks, colons, "
        "percent signs, at signs and others. In quotes they are ordinary characters.",
    ),
    "yaml-bad-escape": Page(
        "An escape that YAML does not know",
        "Between double quotes a backslash begins an escape. For a backslash itself write two of them, or use single "
        "quotes, where it is an ordinary character.",
    ),
    "yaml-unclosed-bracket": Page(
        "A bracket that is not closed",
        "Everything behind an opening bracket or brace belongs to it until it is closed, even on other lines.",
    ),
    "yaml-unclosed-quote": Page(
        "A quote that is not closed",
        "Everything behind an opening quote belongs to the value until the same quote appears again.",
    ),
}

_INCLUDES: Final = {
    "include-cycle": Page(
        "Files that include each other",
        "A file leads back to itself by way of its includes. Each file is read once, so one of the includes is too "
        "much.",
    ),
    "include-matches-nothing": Page(
        "A pattern without a file",
        "No file has a name that fits the pattern. That is fine for a directory that is still empty, and a slip "
        "otherwise.",
    ),
    "include-not-a-list": Page(
        "An include that is not a list of names",
        "include takes a list of file names or patterns, relative to the file that includes them.",
    ),
    "conflicting-values": Page(
        "One value in two files",
        "Maps of several files are joined, entry by entry. Any other value can stand in one file only, because there "
        "is no order in which one could win.",
    ),
    "hosts-not-a-map": Page(
        "A section hosts that is not a map",
        "hosts holds, for each host by name, the sections in which it differs from the rest of the site.",
    ),
    "misplaced-key": Page(
        "A key that belongs to the site as a whole",
        "include and hosts stand in the first column. Below one host they would have to be resolved before it is known "
        "which host is meant.",
    ),
    "no-host": Page(
        "A section hosts without a host",
        "A site with hosts is compiled once for each of them, so with none there would be nothing to compile. A site "
        "for one host needs no hosts.",
    ),
    "unknown-host": Page(
        "A host that the site does not know",
        "The host asked for is not among those that the site describes under hosts.",
    ),
}

_MODEL: Final = {
    "missing-key": Page(
        "A required key is missing",
        "The section cannot be understood without this key, and nothing could stand in for it.",
    ),
    "unknown-key": Page(
        "A key that is not known here",
        "Unknown keys are never ignored: a misspelt restriction would not restrict anything. Courier's own settings "
        "stand under settings.",
    ),
    "wrong-kind": Page(
        "A value of another kind",
        "The key takes a text, a number, a switch, a list or a map, and something else stands there. YAML 1.2 knows "
        "true and false as switches; yes, no, on and off are texts, and a number in quotes is one, too.",
    ),
    "wrong-value": Page(
        "A value that is not among the possible ones",
        "The value is of the right kind, but out of range or not one of the words that the key knows.",
    ),
    "contradiction": Page(
        "Keys that exclude each other",
        "Each key is fine by itself, but together they say two things at a time, or one of them needs another.",
    ),
}


def _word(noun: str, more: str) -> Page:
    return Page(f"A text that is not {noun}", more)


_WORDS: Final = {
    "domain": _word(
        "a domain name",
        "Domains consist of labels with dots between them, in letters of any script. Blanks, slashes and colons would "
        "make an entry in Courier's lists that nothing matches.",
    ),
    "host-name": _word(
        "a host name", "It names one machine, such as mx.example.org, without a port, a scheme or an at sign."
    ),
    "relay": _word(
        "a relay",
        "A relay is the name of a host, whose mail servers are looked up in the DNS, or an address in "
        "brackets. The port has a key of its own.",
    ),
    "local-part": _word(
        "an account name",
        "It is the part of an address before the at sign. Characters that separate fields in Courier's files, such as "
        "colons, commas and slashes, cannot be part of it.",
    ),
    "alias-name": _word(
        "an alias",
        "The left side of an alias is a name, an address, or @ and a domain for all of its addresses. Other characters "
        "would end the name in Courier's source, and the rest would become something else.",
    ),
    "recipient": _word(
        "a recipient",
        "Recipients are names, addresses and UUCP paths. In Courier's source a text that begins with a bar or "
        "a slash is a program or a mailbox; in a site these have keys of their own, so that nobody makes one "
        "by accident.",
    ),
    "address": _word(
        "an address", "Write the address alone, without a name, angle brackets or a comment, such as anna@example.org."
    ),
    "path": _word(
        "a path",
        "Paths on the mail host begin with a slash; where a relative one is meant the key says relative to what.",
    ),
    "file-name": _word("a file name", "It is one name in a directory: no slash, no blank, no dot at the beginning."),
    "command": _word(
        "a command",
        "It becomes one line of delivery instructions. Courier cuts that line at a number sign, also within quotes.",
    ),
    "line": _word(
        "one line of text",
        "It becomes one line of a file. What stands behind a line break would be another line there.",
    ),
    "text": _word("text", "A NUL character ends a text for every program of Courier, and hides what stands behind it."),
    "word": _word(
        "one word", "Blanks separate fields where this value goes, so everything behind the first would be lost."
    ),
    "name": _word(
        "a variable name",
        "Names of variables consist of letters, digits and underscores, and do not begin with a digit.",
    ),
    "identifier": _word(
        "an identifier",
        "It becomes a part of a file's name, so it holds letters, digits, dots, dashes and underscores.",
    ),
    "settings-file": _word(
        "a settings file", "Courier's settings stand in files such as esmtpd, imapd-ssl or module.esmtp."
    ),
    "file-mode": _word(
        "a file mode", "Permission bits are octal digits in quotes; without quotes YAML reads 0640 as the number 640."
    ),
    "duration": _word(
        "a duration", "Courier reads digits with s, m, h, d or w behind them, and stops silently at anything else."
    ),
    "size": _word("a size", "A size is a number of bytes, or a number with K, M or G, counted in powers of 1024."),
    "password-hash": _word(
        "a password hash",
        "Only hashes may stand in a site openly. A clear password in this place would be taken for a hash and match "
        "nothing.",
    ),
    "sender-pattern": _word(
        "a sender pattern", "Patterns for return addresses are user@domain, @domain, @.domain and user@.domain."
    ),
    "url": _word("a URL", "A URL begins with its scheme, which says how the server is spoken to: ldap://, ldaps://."),
    "uucp-path": _word("a UUCP path", "A path is a chain of node names with exclamation marks between them."),
}

_SETTINGS: Final = {
    "unknown-profile": Page(
        "A profile that is not known",
        "The profile says for which installation of Courier the files are made: its release, paths, owners "
        "and formats.",
    ),
    "wrong-profile": Page(
        "A profile that cannot be changed like this",
        "A change of the layout is not possible, or its value is none that the profile knows.",
    ),
    "unknown-settings-file": Page(
        "A settings file that Courier does not have",
        "Settings stand under the name of the file that Courier keeps them in.",
    ),
    "unknown-setting": Page(
        "A setting that Courier does not have",
        "Courier's files are shell text, and an unknown name in them is accepted without a word. A misspelt setting "
        "would change nothing.",
    ),
    "wrong-setting": Page(
        "A value that the setting cannot have",
        "The program that reads the setting would misread the value, mostly without saying so.",
    ),
    "historical-setting": Page(
        "A setting of former releases",
        "Older releases of Courier read this setting. Today it is ignored, and what it was for is done by another one, "
        "or by none.",
    ),
    "setting-not-in-target": Page(
        "A setting that the target does not read",
        "The setting belongs to another release than the one that the files are made for. It does no harm and has no "
        "effect.",
    ),
    "setting-unread": Page(
        "A setting that no program reads",
        "The setting stands in Courier's files for historical reasons, but no release looks at it.",
    ),
    "not-in-target": Page(
        "Something that the target cannot do",
        "The release that the files are made for has no setting for this, or does not look at it. The rest of the site "
        "is compiled as it is.",
    ),
    "unusable-value": Page(
        "A value that Courier's file cannot hold",
        "The value is fine in the site, but the setting that it becomes is narrower: a number has bounds, a list knows "
        "only some words, or a start script would change certain characters.",
    ),
    "unusable-secret": Page(
        "A secret that Courier's file cannot hold",
        "The secret has characters that the file which it goes to cannot hold, so Courier would read another one.",
    ),
    "listeners-disagree": Page(
        "Two listeners that share a setting and differ",
        "The listeners with and without TLS of a protocol read the same files. What stands there once cannot have two "
        "values.",
    ),
    "environment-nowhere": Page(
        "Variables for a file that holds none",
        "Further variables can be added to files that are read by a shell. This one has a form of its own.",
    ),
    "environment-internal": Page(
        "A variable that Courier's programs set themselves",
        "Programs of Courier hand such variables to each other. A value of your own is overwritten, or confuses them.",
    ),
    "environment-unknown": Page(
        "A variable that no program reads",
        "Any variable may be passed on, but this one is spelt almost like one that Courier knows.",
    ),
}

_BUILDING: Final = {
    "secret-unavailable": Page(
        "A secret that cannot be had",
        "The file, variable or command that the site names does not give the secret, so no file can hold it and "
        "nothing is built. Where a site is only checked, secrets may be absent: check warns of missing files and of "
        "variables that are not set, calls a missing file an error only with --on-host, and never runs commands.",
    ),
    "login-password": Page(
        "A password that Courier cannot read",
        "The login at another server is one line of three words, so the password is one word and not empty.",
    ),
    "socks-password": Page(
        "A proxy password that cannot be written",
        "Blanks and number signs end the password in the file that holds it.",
    ),
}

_BUILDS: Final = {
    "build-path": Page(
        "A finished build with a strange file name",
        "The list of a build's files names one that lies outside it. The list has been changed, and cannot be trusted.",
    ),
    "build-file-missing": Page(
        "A finished build that is not complete",
        "A file of the build is gone. Installing the rest would leave the mail host half old and half new.",
    ),
    "build-file-altered": Page(
        "A finished build that was changed",
        "A file of the build is not the one that was made from the site. A change by hand belongs into the site, where "
        "the next build finds it.",
    ),
}

_APPLYING: Final = {
    "unknown-owner": Page(
        "An owner whom the host does not know",
        "Files of the mail system belong to its user and group, which Courier's packages create. Without them the mail "
        "system could not read its own files.",
    ),
    "foreign-file": Page(
        "A file that somebody else made",
        "A file of that name is already there and was not made from a site. It may hold settings that nobody has moved "
        "into the site yet, so it is not replaced without being told to.",
    ),
    "drifted-file": Page(
        "A file that was changed by hand",
        "The file is not as it was written from the site. Writing it anew would lose the change, and keeping it would "
        "make the site a lie.",
    ),
    "plan-changed": Page(
        "Other changes than the ones that were reviewed",
        "A plan is named by its checksum. The site or the host has changed since it was reviewed, so what would happen "
        "now is something else.",
    ),
    "path-obstructed": Page(
        "Something in the way of a file",
        "A directory stands where a file is to be, or a file where a directory is. Neither is removed, because it may "
        "hold something that is needed.",
    ),
    "generation-damaged": Page(
        "A former state that is not complete",
        "Each state of the host is kept so that it can be restored. Of this one a file is missing or altered.",
    ),
}

_ACCESS: Final = {
    "access-allow-separator": Page(
        "An access line without a comma behind allow",
        "Without the comma the text behind allow becomes part of a variable's name, and nothing is set.",
    ),
    "access-deny-prefix": Page(
        "An access line that begins with deny",
        "Every value that begins with deny refuses the client, also denied or deny-not.",
    ),
    "access-deny-spelling": Page(
        "An access line that refuses nobody",
        "Only deny, in lower case and at the beginning, refuses a client. Everything else accepts it.",
    ),
    "access-ipv6-form": Page(
        "An IPv6 address in another spelling",
        "Addresses are compared letter by letter in one spelling: a leading colon, groups of four lower-case digits.",
    ),
    "access-key-never-matches": Page(
        "An access line that matches nobody",
        "The text is stored as it stands, and no client is ever looked up under it.",
    ),
    "access-leading-zero": Page(
        "An octet with a leading zero",
        "Addresses are compared letter by letter, and are looked up without leading zeros.",
    ),
    "access-no-value": Page(
        "An access line without an action", "Such a line accepts the client and sets a variable that is called 1."
    ),
    "access-unbalanced-quotes": Page(
        "An unclosed quote in an access line",
        "Everything behind the quote becomes one value, other variables included.",
    ),
    "access-variable-name": Page(
        "A variable that cannot be one",
        "Names are taken as they stand, with blanks, and no program asks for such a name.",
    ),
    "access-variable-repeated": Page("A variable that a line sets twice", "Only the last of the two settings counts."),
    "access-file-not-set": Page(
        "No access table",
        "The settings name no access file, so there is none to compile, and nobody may relay by address.",
    ),
}

_ALIASES: Final = {
    "aliasdir-missing": Page(
        "No directory for instructions of aliases",
        "makealiases needs the directory aliasdir, even where no alias runs a program, and fails without it.",
    ),
    "alias-programs-elsewhere": Page(
        "Programs of aliases where Courier does not look",
        "makealiases keeps what aliases run in a directory whose name begins with .courier, and Courier looks for it "
        "under the name that dotextension gives. Mail for these aliases is refused as for an unknown user unless a "
        "link leads from the one to the other.",
    ),
    "alias-without-colon": Page(
        "An alias line without a colon", "The line is no definition, and Courier builds no alias at all because of it."
    ),
    "alias-bad-address": Page(
        "An address that Courier refuses", "One such address makes the whole build fail, and the old database stays."
    ),
    "alias-bad-default-domain": Page(
        "A default domain that spoils every address",
        "Names without a domain are completed with it. A blank or carriage return at its end makes all of "
        "them invalid.",
    ),
    "alias-program-name": Page(
        "An alias that no file can be named after",
        "Programs of aliases are written into a file with the name of the alias, which has to be a possible one.",
    ),
    "alias-include-relative": Page(
        "An include without an absolute path", "Courier refuses it, and with it the whole source."
    ),
    "alias-include-unreadable": Page(
        "An included file that cannot be read", "Courier stops at it, and builds no alias at all."
    ),
    "alias-include-directory": Page("An include that is a directory", "Courier reads nothing from it, without a word."),
    "alias-line-lost": Page(
        "A last line without a newline", "makealiases loses the last line of its input when nothing ends it."
    ),
    "alias-no-final-newline": Page(
        "A file without a final newline",
        "It does no harm while another file follows; as the last file it loses a line.",
    ),
    "alias-carriage-return": Page(
        "Lines that end in a carriage return", "Aliases survive that, but Courier's other files do not."
    ),
    "alias-nul-byte": Page("A NUL byte", "It hides the rest of its line from Courier."),
    "alias-empty": Page("An alias without recipients", "It is not stored, and mail for it bounces."),
    "alias-empty-recipient": Page("An empty recipient", "It ends the list, and nobody behind it gets the mail."),
    "alias-recipient-literal": Page(
        "A program or path that is taken for an address",
        "Programs, mailboxes and includes are recognised only as the whole text behind the colon.",
    ),
    "alias-other-local-domain": Page(
        "An alias in a local domain other than the default",
        "The default domain takes the place of every local one before the look-up, so the name is never asked for.",
    ),
    "alias-case-never-matches": Page(
        "An alias in upper case", "The address is put into lower case before it is looked up; the stored name is not."
    ),
    "alias-quoted-name": Page("An alias in quotes", "It matches only addresses that are written in quotes as well."),
    "alias-name-with-blank": Page("An alias with a blank", "No address has a blank, so the alias never matches."),
    "alias-name-without-domain": Page(
        "An alias that is never completed",
        "The rewriting rules in use add no domain to names. Mail is looked up by addresses with one, so the "
        "name is never asked for.",
    ),
    "alias-name-missing": Page("An alias without a name", "Nothing stands before the colon."),
    "alias-default-domain-encoded": Page(
        "A default domain in its xn-- form",
        "Names are stored in the Unicode spelling of their domain, but completed with the default domain as it stands.",
    ),
    "alias-virtual-domain-list": Page(
        "A whole-domain alias with several recipients", "Each of them gets every mail for the domain."
    ),
    "alias-virtual-domain-address": Page(
        "A whole-domain alias to an address",
        "Courier builds addresses from the account's name, and a text with an at sign in it makes none that exists.",
    ),
    "alias-virtual-domain-catch-all": Page(
        "A whole-domain alias for the local domains", "It takes all mail that has no alias, that of accounts included."
    ),
    "alias-virtual-domain-elsewhere": Page(
        "A whole-domain alias that sends mail away",
        "The addresses that it makes end in the server's name, which is not local, so the mail leaves the server.",
    ),
    "alias-recipient-lost": Page(
        "Aliases in several circles",
        "In tightly knit circles makealiases loses recipients, depending on the order in which it meets the names.",
    ),
    "alias-file-skipped": Page("A source file with a blank in its name", "makealiases passes over it with a message."),
    "alias-file-leftover": Page(
        "A left-over copy among the sources", "makealiases reads every file of the directory, backups included."
    ),
}

_MAKEDAT: Final = {
    "table-source-missing": Page("No source for a table", "There is neither a file nor a directory to compile."),
    "makedat-backup-is-read": Page(
        "A left-over copy among the sources", "makedat reads it like any other file, old entries included."
    ),
    "makedat-leftover-file": Page(
        "A leftover of a package upgrade",
        "From release 1.6.0 on makedat refuses to work on a directory that holds one.",
    ),
    "makedat-bad-netblock": Page("A netblock that cannot be expanded", "makedat stops, and the old database stays."),
    "makedat-many-keys": Page(
        "A netblock that becomes thousands of keys", "Keys end at whole octets or groups, so odd lengths are spelt out."
    ),
    "makedat-duplicate-key": Page("A key that comes twice", "makedat stops at the second, and the old database stays."),
    "makedat-missing-key": Page("A line without a key", "A line that begins with a tab is ignored without a word."),
    "makedat-blank-around-key": Page("Blanks around a key", "They are a part of the key, and nothing asks for it."),
    "makedat-blank-before-value": Page(
        "Blanks before a value", "They are a part of the value, and change its meaning."
    ),
    "makedat-blank-for-tab": Page(
        "A blank instead of a tab", "Only a tab separates key and value; with a blank the whole line is the key."
    ),
    "makedat-comment-behind-key": Page(
        "A comment behind a key", "Comments are lines of their own here; behind a key they are a part of it."
    ),
    "makedat-carriage-return": Page(
        "Lines that end in a carriage return", "It stays at the end of the value or the key, where nobody sees it."
    ),
    "makedat-dot-line": Page("A line with a single dot", "It ends the input, and all lines behind it are ignored."),
    "makedat-final-newline": Page(
        "A last line without a newline", "makedat glues it to what it reads next, and fails without a message."
    ),
    "makedat-nul-byte": Page("A NUL byte", "It hides the rest of its line."),
}

_TABLES: Final = {
    "domain-not-normal": Page(
        "A domain in another spelling", "The database is asked in lower case and Unicode, so this entry is never found."
    ),
    "domain-exclusion": Page(
        "An exclusion in a database", "Exclamation marks exclude in text lists only; in a database they are letters."
    ),
    "domain-empty-label": Page("A domain with an empty label", "No domain of an address has one, so it never matches."),
    "domain-value-ignored": Page("A value behind a domain", "Only the presence of the domain counts in this table."),
    "hosted-chain": Page(
        "A chain of alias domains", "Courier follows one step, and stops at a domain without accounts."
    ),
    "hosted-short-target": Page(
        "An alias domain with a target of one character", "Courier takes it for a domain with accounts of its own."
    ),
    "hosted-target-blank": Page(
        "A blank in the target of an alias domain", "Accounts are looked for under a domain with a blank in it."
    ),
    "uucp-empty-node": Page("A path with an empty node", "No path has one, so the entry is never found."),
    "uucp-unknown-flag": Page(
        "An unknown letter for a neighbour", "Courier looks for F, G and R, and ignores the rest."
    ),
    "uucp-unreachable-path": Page(
        "A neighbour that is never reached",
        "Courier walks a path from the left, and stops before it comes to this one.",
    ),
    "userdb-missing": Page("No account database", "There is neither a file nor a directory userdb."),
    "userdb-permissions": Page(
        "An account database that others may read",
        "makeuserdb refuses a source with any permission for group or others.",
    ),
    "userdb-symlink": Page("An account database behind a link", "makeuserdb refuses symbolic links."),
    "userdb-no-tab": Page("An account without a tab", "Only a tab separates the name from the fields."),
    "userdb-missing-name": Page("An account without a name", "Nothing stands before the tab."),
    "userdb-blank-around-name": Page("Blanks around an account's name", "They are a part of the name."),
    "userdb-incomplete-account": Page(
        "An account without home, uid or gid", "Courier treats it as out of order: mail waits until it expires."
    ),
    "userdb-reverse-record": Page(
        "A reverse entry of the account database",
        "makeuserdb spoils entries from number to name, and nothing finds them.",
    ),
}

_LEGACY_FILES: Final = {
    "bofh-line": Page("A line that the file bofh does not know", "Unknown directives are ignored without a word."),
    "module-line": Page(
        "A line that a module's file cannot have", "Empty lines and comments confuse the program that reads the file."
    ),
    "rc-repeated": Page("A setting that comes twice", "The first occurrence counts, unlike in Courier's other files."),
    "preformatted-no-version": Page(
        "A settings file that is not preformatted",
        "Courier's upgrades carry settings over by markers in the files, and begin only where a version line says that "
        "there are some. Of this file nothing would be carried over.",
    ),
    "preformatted-marker-early": Page(
        "A marker above the version line",
        "Upgrades look for markers below the version line. What belongs to this one is not carried over.",
    ),
    "preformatted-marker-repeated": Page(
        "A marker that comes twice",
        "Upgrades find the settings of a marker by its name. Of two with one name the settings of one are lost.",
    ),
    "preformatted-marker-revision": Page(
        "A marker without a revision",
        "The number behind the name says whether a setting can be carried over as it is. Without it the marker is "
        "misread.",
    ),
    "shell-command": Page(
        "A settings file with commands",
        "Courier's settings files are run by a shell, and this one does more than assign values. What it comes to can "
        "only be known by running it.",
    ),
    "shell-expansion": Page(
        "A settings file that computes values",
        "The value is made of other variables or of a command's output, and can only be known by running the file.",
    ),
    "shell-quote": Page("An unclosed quote in a settings file", "The shell reads on until it finds the next one."),
}

_PLANS: Final = {
    "guard-accounts": Page(
        "Many accounts would go",
        "More than the allowed share of all accounts is gone from the site. That is more often a lost include "
        "than an intention. The word --allow accounts says that it is meant.",
    ),
    "guard-aliases": Page(
        "Many aliases would go",
        "More than the allowed share of all aliases is gone from the site, and mail for those names would be "
        "refused. The word --allow aliases says that it is meant.",
    ),
    "guard-domains": Page(
        "Many domains would go",
        "More than the allowed share of the domains would no longer be accepted, and senders would get their mail "
        "back. The word --allow domains says that it is meant.",
    ),
    "guard-logins": Page(
        "Nobody could log in as before",
        "None of the back-ends that knew the accounts so far is asked any more. The word --allow logins says that "
        "all users have moved.",
    ),
    "guard-postmaster": Page(
        "Postmaster would be gone",
        "Every mail host must take mail for postmaster (RFC 5321, section 4.5.1). The word --allow postmaster "
        "says that another host does.",
    ),
    "guard-relay": Page(
        "Relaying would be opened",
        "A large network, or everybody, could send mail anywhere through this host. Spammers find such a host "
        "within hours. The word --allow relay says that the network is yours.",
    ),
    "guard-submission": Page(
        "Submission would be closed",
        "A port at which users hand in their mail would no longer be served. The word --allow submission says "
        "that nobody uses it.",
    ),
    "guard-tls": Page(
        "Encryption would no longer be required",
        "A service that insisted on TLS would accept passwords and mail in the clear. The word --allow tls says "
        "that it is meant.",
    ),
}

_UPGRADES: Final = {
    "upgrade-access": Page(
        "A template with other permissions",
        "The template has another owner or other permission bits than the file. Those of the file stay, since an "
        "upgrade must not open a file that was closed.",
    ),
    "upgrade-comments": Page(
        "Comments of your own",
        "The original tool drops every comment of the old file. Here the ones that the template does not have are "
        "carried over, to where they stood.",
    ),
    "upgrade-divided-value": Page(
        "A value with a comment inside",
        "The original tool ends a value at the first comment behind its beginning and drops the rest. Here the "
        "whole of it is carried over.",
    ),
    "upgrade-group-name": Page(
        "A group that the original tool overlooks",
        "A group that is named 0, or nothing, is never carried over by the original tool. Here it is.",
    ),
    "upgrade-last-line": Page(
        "A last line without an end",
        "The original tool puts the next marker behind such a line and so damages the file. Here the line is ended.",
    ),
    "upgrade-line-ends": Page(
        "Line ends of another system",
        "Carriage returns become a part of names and values, and no revision of a marker equals the template's. "
        "They are removed here.",
    ),
    "upgrade-no-markers": Page(
        "A file from before the markers",
        "The file is older than Courier 0.30 and says nothing about its groups. The original tool replaces it; "
        "here all of it stays in force in a group of its own, and is worth a look.",
    ),
    "upgrade-no-version": Page(
        "A file whose version line is missing",
        "The original tool takes such a file for one without markers and replaces it. Here its markers are believed.",
    ),
    "upgrade-outside-groups": Page(
        "Lines outside of all groups",
        "The original tool drops what stands above the first marker. Here it is carried over.",
    ),
    "upgrade-overruled": Page(
        "A setting that is said twice",
        "The new template and lines that were carried over both assign a setting. The later one counts in shell "
        "files, the earlier one in the files of the authentication modules.",
    ),
    "upgrade-repeated-group": Page(
        "A group that comes twice",
        "The original tool joins the values of groups of one name and writes all of them at each place. Here they "
        "are paired in order.",
    ),
}

_IMPORTS: Final = {
    "import-change": Page(
        "A difference that is explained",
        "The files that are built from the site differ here from the imported ones, in a way that no program of "
        "Courier notices, or that only removes what never worked.",
    ),
    "import-loss": Page(
        "Something that could not be imported",
        "The files that are built from the site would mean something else than the imported ones. The import is "
        "not lossless until this is settled by hand.",
    ),
    "import-note": Page(
        "A decision of the import",
        "Something of the old installation was understood in one of several ways, and the sentence says which.",
    ),
}

_TESTS: Final = {
    "test-failed": Page(
        "A test of the site that fails",
        "The compiled files do something else than the site's own `tests` expect. The sentence says what was "
        "expected, what is, and which lines decide that. Either one of those lines is wrong, or the expectation is.",
    ),
}

PAGES: Final[Mapping[str, Page]] = MappingProxyType(
    {
        **_YAML, **_INCLUDES, **_MODEL, **_WORDS, **_SETTINGS, **_BUILDING, **_BUILDS, **_APPLYING, **_ACCESS,
        **_ALIASES, **_MAKEDAT, **_TABLES, **_LEGACY_FILES, **_PLANS, **_UPGRADES, **_IMPORTS, **_TESTS,
    }
)  # fmt: skip
"""Pages of all problems that are no checks, by id."""
