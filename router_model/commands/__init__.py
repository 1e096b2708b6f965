"""What a person starts: `halfwatt router`, and the pipeline of stages."""
