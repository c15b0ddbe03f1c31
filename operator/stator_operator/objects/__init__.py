"""One module for each kind of object that the operator makes: from a `Pool` to a dictionary."""
