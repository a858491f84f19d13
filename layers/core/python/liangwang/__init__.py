"""liangwang (两网): what the functions share. Start reading at ``domain/``, then ``wiring/``."""
