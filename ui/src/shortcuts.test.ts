import { afterEach, describe, expect, it, vi } from 'vitest';
import { addShortcut, dispatchShortcut, keyCaps, type Shortcut } from './shortcuts';

const remove: (() => void)[] = [];

function listen(keys: string, more: Partial<Shortcut> = {}) {
  const run = vi.fn();
  remove.push(addShortcut({ keys, group: 'page', text: () => keys, run, ...more }));
  return run;
}

function press(init: KeyboardEventInit, target: EventTarget = document.body): KeyboardEvent {
  const event = new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init });
  Object.defineProperty(event, 'target', { value: target });
  dispatchShortcut(event);
  return event;
}

afterEach(() => {
  for (const each of remove.splice(0)) each();
});

describe('a shortcut', () => {
  it('runs, and the browser does nothing else with the key', () => {
    const run = listen('ctrl+k');
    expect(press({ key: 'k', ctrlKey: true }).defaultPrevented).toBe(true);
    expect(run).toHaveBeenCalledOnce();
  });

  it('of one letter leaves typing alone', () => {
    const run = listen('j');
    press({ key: 'j' }, document.createElement('textarea'));
    expect(run).not.toHaveBeenCalled();
    press({ key: 'j' });
    expect(run).toHaveBeenCalledOnce();
  });

  it('with Ctrl or a function key works while typing', () => {
    const search = listen('ctrl+k');
    const help = listen('f1');
    press({ key: 'k', ctrlKey: true }, document.createElement('input'));
    press({ key: 'F1' }, document.createElement('input'));
    expect(search).toHaveBeenCalledOnce();
    expect(help).toHaveBeenCalledOnce();
  });

  it('is silent while an input method composes', () => {
    const run = listen('ctrl+k');
    press({ key: 'k', ctrlKey: true, isComposing: true });
    expect(run).not.toHaveBeenCalled();
  });

  it('with Alt and a digit goes by the place of the key, whatever the layout puts there', () => {
    const run = listen('alt+1');
    press({ key: '¡', code: 'Digit1', altKey: true });
    expect(run).toHaveBeenCalledOnce();
  });

  it('of a page wins over an older one with the same keys, and gives it back', () => {
    const older = listen('j');
    const newer = listen('j');
    press({ key: 'j' });
    remove.pop()?.();
    press({ key: 'j' });
    expect(newer).toHaveBeenCalledOnce();
    expect(older).toHaveBeenCalledOnce();
  });

  it('is printed as on the keyboard', () => {
    expect(keyCaps('ctrl+k')).toEqual(['Ctrl', 'K']);
    expect(keyCaps('f1')).toEqual(['F1']);
  });
});
