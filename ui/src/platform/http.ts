/** The core behind a local HTTP server as host: for development and tests in a plain browser. */
import { ApiError } from '@/errors';
import type { ChosenFile, CoreEvent, EvidenceVariant, FileKind, Platform } from './types';

function evidenceUrl(hash: string, variant: EvidenceVariant): string {
  return `/evidence/${encodeURIComponent(hash)}?size=${variant}`;
}

function fromFile(file: File): ChosenFile {
  return { kind: 'content', file, name: file.name };
}

async function errorOf(response: Response): Promise<ApiError> {
  try {
    return ApiError.from(await response.json());
  } catch {
    // A proxy answered, not the core.
    return new ApiError('host_unreachable', { status: response.status });
  }
}

async function call(input: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(input, init);
  } catch (cause) {
    throw new ApiError('host_unreachable', {}, { cause });
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

function acceptOf(kinds: FileKind[] | undefined): string {
  return (kinds ?? []).flatMap(({ extensions }) => extensions.map((extension) => `.${extension}`)).join(',');
}

function holdsFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false;
}

export const httpPlatform: Platform = {
  kind: 'browser',

  async rpc(name, request) {
    const response = await call(`/rpc/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request ?? null),
      // A write that is under way when the window closes still arrives.
      keepalive: true,
    });
    return (await response.json()) as unknown;
  },

  onEvent(listener) {
    const source = new EventSource('/events');
    source.onmessage = ({ data }: MessageEvent<string>) => listener(JSON.parse(data) as CoreEvent);
    return () => source.close();
  },

  evidenceUrl,

  async evidenceContent(hash, variant) {
    return await (await call(evidenceUrl(hash, variant))).blob();
  },

  openFiles({ kinds, multiple = true }) {
    return new Promise((resolve) => {
      const input = document.createElement('input');
      input.type = 'file';
      input.multiple = multiple;
      input.accept = acceptOf(kinds);
      input.hidden = true;
      const finish = (files: ChosenFile[]): void => {
        input.remove();
        resolve(files);
      };
      input.addEventListener('change', () => finish(Array.from(input.files ?? [], fromFile)));
      input.addEventListener('cancel', () => finish([]));
      // Attached, so that a test can find it.
      document.body.append(input);
      input.click();
    });
  },

  saveFile({ suggestedName }) {
    return Promise.resolve(suggestedName);
  },

  onFileDrop(listener) {
    const controller = new AbortController();
    const { signal } = controller;
    window.addEventListener(
      'dragover',
      (event) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        listener.over?.({ x: event.clientX, y: event.clientY });
      },
      { signal },
    );
    window.addEventListener(
      'dragleave',
      (event) => {
        if (event.relatedTarget === null) listener.over?.(null);
      },
      { signal },
    );
    window.addEventListener(
      'drop',
      (event) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        listener.over?.(null);
        const files = Array.from(event.dataTransfer?.files ?? [], fromFile);
        listener.drop(files, { x: event.clientX, y: event.clientY });
      },
      { signal },
    );
    return () => controller.abort();
  },
};
