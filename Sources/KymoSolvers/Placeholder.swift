// Placeholder until the first type of KymoSolvers is written.
