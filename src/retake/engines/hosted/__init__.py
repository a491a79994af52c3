"""The engine `hosted`: another server of this API makes the section, chosen outright."""
