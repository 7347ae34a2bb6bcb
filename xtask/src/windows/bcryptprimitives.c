/* Every Windows since 10 has this library; Wine 8 has not. For Wine only, and part of nothing that is shipped. */
#include <windows.h>

/* The name under which Windows has its older source of random numbers. */
BOOLEAN NTAPI SystemFunction036(PVOID bytes, ULONG count);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count)
{
    while (count > 0) {
        ULONG now = count > 0x10000000 ? 0x10000000 : (ULONG)count;
        if (!SystemFunction036(bytes, now))
            return FALSE;
        bytes += now;
        count -= now;
    }
    return TRUE;
}
