#ifndef KYMO_ROLLOUT_H
#define KYMO_ROLLOUT_H

#endif
