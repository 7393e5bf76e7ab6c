// Placeholder until the first type of KymoTensor is written.
