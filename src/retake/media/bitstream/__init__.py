"""The bits of coded pictures, as far as splicing has to read and change them."""
