"""The database: games and searched positions in, samples for training out; exchange with other programs."""
