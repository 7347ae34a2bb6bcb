/**
 * Files that are dropped on a part of the screen or pasted while it has the focus. The feature decides what to
 * do with them; nothing is sent from here.
 */
import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue';
import { platform, type ChosenFile, type Unsubscribe } from '@/platform';

export type FileOrigin = 'drop' | 'paste';

/** `isOver`: files hover over the part. While `enabled` says no, nothing is taken. */
export function useFileIntake(
  part: Ref<HTMLElement | null>,
  take: (files: ChosenFile[], origin: FileOrigin) => void,
  enabled: () => boolean = () => true,
): { isOver: Ref<boolean> } {
  const isOver = ref(false);
  let unsubscribe: Unsubscribe | null = null;

  function holds({ x, y }: { x: number; y: number }): boolean {
    const box = part.value?.getBoundingClientRect();
    return box !== undefined && x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
  }

  function onPaste(event: ClipboardEvent): void {
    if (!enabled() || !(event.target instanceof Node) || !part.value?.contains(event.target)) return;
    const files = Array.from(event.clipboardData?.files ?? []);
    if (files.length === 0) return;
    event.preventDefault();
    take(
      files.map((file) => ({ kind: 'content', file, name: file.name })),
      'paste',
    );
  }

  onMounted(() => {
    unsubscribe = platform.onFileDrop({
      over(position) {
        isOver.value = enabled() && position !== null && holds(position);
      },
      drop(files, position) {
        isOver.value = false;
        if (enabled() && holds(position)) take(files, 'drop');
      },
    });
    document.addEventListener('paste', onPaste);
  });

  onBeforeUnmount(() => {
    unsubscribe?.();
    document.removeEventListener('paste', onPaste);
  });

  return { isOver };
}
