"""What people look at: contact sheets, stills and waveforms."""
