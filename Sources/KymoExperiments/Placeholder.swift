// Placeholder until the first type of KymoExperiments is written.
