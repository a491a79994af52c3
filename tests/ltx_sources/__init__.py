"""Any source into the model and back."""
