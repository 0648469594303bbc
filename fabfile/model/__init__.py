"""Pure rules: no input or output, no clock, no fabric; tested in milliseconds."""
