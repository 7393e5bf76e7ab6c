// Placeholder until the first type of KymoExtraction is written.
