"""What people look at: the run card, its drawings, the timeline."""
