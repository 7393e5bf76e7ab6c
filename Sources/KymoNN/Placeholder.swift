// Placeholder until the first type of KymoNN is written.
