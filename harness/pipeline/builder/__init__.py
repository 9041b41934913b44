"""The build service: what is built, under which key it is kept, and the processes that build."""
