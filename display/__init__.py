"""What a person sees: a window (``window``) or a terminal (``terminal``), thin shells around pure
parts: ``view`` keeps what arrived, ``overlay`` and ``tables`` paint it.
"""
