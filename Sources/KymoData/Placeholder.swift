// Placeholder until the first type of KymoData is written.
