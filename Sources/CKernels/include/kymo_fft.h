#ifndef KYMO_FFT_H
#define KYMO_FFT_H

#endif
