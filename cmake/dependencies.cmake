# SPDX-License-Identifier: GPL-3.0-or-later
# Third-party libraries, all from Debian 12. Targets link them privately.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(WEBSOCKETS REQUIRED IMPORTED_TARGET libwebsockets)
pkg_check_modules(FFTWF REQUIRED IMPORTED_TARGET fftw3f)
pkg_check_modules(FFTW REQUIRED IMPORTED_TARGET fftw3)
pkg_check_modules(UHD REQUIRED IMPORTED_TARGET uhd)
# uhd.pc names -lboost_system, which its package does not bring and none of ours needs.
find_library(UHD_LIBRARY uhd REQUIRED)
set_property(TARGET PkgConfig::UHD PROPERTY INTERFACE_LINK_LIBRARIES ${UHD_LIBRARY})
pkg_check_modules(NLOPT REQUIRED IMPORTED_TARGET nlopt)
pkg_check_modules(LAPACKE REQUIRED IMPORTED_TARGET lapacke)
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)
pkg_check_modules(HDF5 REQUIRED IMPORTED_TARGET hdf5)
pkg_check_modules(MPI REQUIRED IMPORTED_TARGET ompi-c)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

# liquid-dsp ships no pkg-config file.
find_library(LIQUID_LIBRARY liquid REQUIRED)
add_library(liquid INTERFACE IMPORTED)
target_link_libraries(liquid INTERFACE ${LIQUID_LIBRARY})
