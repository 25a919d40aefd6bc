"""The database: stores games and searched positions, samples them for training, exports and imports them."""
