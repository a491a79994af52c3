"""What weather and light share: fields at a fraction of the size, one full-size pass, particles."""
