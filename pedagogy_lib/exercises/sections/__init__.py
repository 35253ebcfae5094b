"""The tasks of each section, in the module that bears its number: those of section 2.1.1 in `s2_1_1`."""
