"""Random bytes against the decoders: every byte string ends in rows or in a rejection."""
