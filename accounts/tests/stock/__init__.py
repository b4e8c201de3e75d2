"""simplejwt as its documentation sets it up: what the race must be seen to break."""
