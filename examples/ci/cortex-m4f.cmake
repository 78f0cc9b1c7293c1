# For CMAKE_TOOLCHAIN_FILE: Cortex-M4F without an operating system; no shared libraries
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -ffunction-sections")
set(ZENITHC_FLAGS "--target scalar --weights=inline" CACHE STRING "options of zenithc")
