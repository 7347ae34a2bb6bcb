/* Stands for Microsoft's installer of WebView2 where it is tried out that it is started: shows that it was, and ends. */
#include <windows.h>

int WINAPI wWinMain(HINSTANCE program, HINSTANCE none, PWSTR words, int shown)
{
    (void)program;
    (void)none;
    (void)words;
    (void)shown;
    MessageBoxW(NULL, L"This stands for the offline installer of WebView2.", L"stand-in", MB_OK);
    return 0;
}
