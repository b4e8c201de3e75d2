"""What the service takes for granted of an S3 server, call by call, with the clients that it uses itself."""
