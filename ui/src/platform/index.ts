/** The host that this window runs on. */
import { httpPlatform } from './http';
import { tauriPlatform } from './tauri';
import type { Platform } from './types';

export * from './types';

export const platform: Platform = '__TAURI_INTERNALS__' in window ? tauriPlatform : httpPlatform;
