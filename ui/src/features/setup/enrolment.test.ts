import { describe, expect, it } from 'vitest';
import { codeLength, compareFingerprints, fingerprintGroups, isClockOff, spellCode } from './enrolment';

const SERVER = '9F3A 00C1 7B2D E4F5 8890 1A2B 3C4D 5E6F';

describe('comparing fingerprints', () => {
  it('shows eight groups of four', () => {
    expect(fingerprintGroups(SERVER)).toHaveLength(8);
    expect(fingerprintGroups('9f3a:00c1')).toEqual(['9F3A', '00C1']);
  });

  it('takes the same fingerprint for the same however it was written', () => {
    for (const given of [SERVER, '9f3a00c17b2de4f588901a2b3c4d5e6f', '９Ｆ３Ａ-00C1-7B2D-E4F5-8890-1A2B-3C4D-5E6F\n']) {
      expect(compareFingerprints(SERVER, given).state).toBe('same');
    }
  });

  it('names the groups that differ', () => {
    expect(compareFingerprints(SERVER, SERVER.replace('7B2D', '7B2E').replace('5E6F', '0000'))).toEqual({
      state: 'differs',
      groups: [3, 8],
    });
  });

  it('tells a wrong group before all of it was typed, and a right beginning as incomplete', () => {
    expect(compareFingerprints(SERVER, '9F3A 01')).toEqual({ state: 'differs', groups: [2] });
    expect(compareFingerprints(SERVER, '9F3A 00').state).toBe('incomplete');
    expect(compareFingerprints(SERVER, '').state).toBe('empty');
  });

  it('does not take a longer text for the same', () => {
    expect(compareFingerprints(SERVER, `${SERVER} 0000`)).toEqual({ state: 'differs', groups: [9] });
  });
});

describe('an enrolment code', () => {
  it('is spelled in one way, with what looks alike put right', () => {
    expect(spellCode('k7qm 2xrd-9abf 4t2w')).toBe('K7QM-2XRD-9ABF-4T2W');
    expect(spellCode('oOiIlL00')).toBe('0011-1100');
    expect(codeLength('K7QM-2XRD')).toBe(8);
  });
});

describe('the clock', () => {
  it('is off from five minutes on, in either direction', () => {
    expect(isClockOff(5 * 60_000)).toBe(false);
    expect(isClockOff(-5 * 60_000 - 1)).toBe(true);
    expect(isClockOff(86_400_000)).toBe(true);
  });
});
