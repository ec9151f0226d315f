"""Where the world is seen and heard: cameras, microphones, and files that play as both."""
