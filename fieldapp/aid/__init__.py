"""Aid: what people were given, in money, goods and service, by whom and from which source."""
