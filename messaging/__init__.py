"""The wire: what is said (``schema``), on which streams (``topics``), and how it travels."""
