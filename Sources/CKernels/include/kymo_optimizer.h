#ifndef KYMO_OPTIMIZER_H
#define KYMO_OPTIMIZER_H

#endif
