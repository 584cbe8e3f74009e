"""One step of a job each: submit, look, finish; what they share is the floor they stand on."""
