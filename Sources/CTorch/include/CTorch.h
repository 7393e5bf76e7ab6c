#ifndef CTORCH_H
#define CTORCH_H
const char *kt_version(void);
#endif
