"""The measured claims; each folder is one."""
