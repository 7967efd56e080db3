"""What the models and tables say of themselves: the JSON Schema for editors, the reference part of the manual."""
