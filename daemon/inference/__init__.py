"""What every tier shares: the request, the answer, the prompts, and when to stop. It calls no model."""
