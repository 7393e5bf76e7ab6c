// Placeholder until the first type of KymoReport is written.
