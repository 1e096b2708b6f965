"""What a person starts: the benchmark behind `halfwatt router bench`, and the pipeline of all stages."""
