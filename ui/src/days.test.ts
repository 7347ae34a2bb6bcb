import { describe, expect, it } from 'vitest';
import { beginOf, dayAfter, dayOf, mondayOf } from './days';

describe('days of the bureaus’ calendar', () => {
  it('begin at midnight in Shanghai, wherever the laptop believes it is', () => {
    expect(beginOf('2022-04-12')).toBe(Date.UTC(2022, 3, 11, 16));
    expect(dayOf(Date.UTC(2022, 3, 11, 16))).toBe('2022-04-12');
    expect(dayOf(Date.UTC(2022, 3, 11, 16) - 1)).toBe('2022-04-11');
  });

  it('count on over the end of a month and of a year', () => {
    expect(dayAfter('2022-02-28', 1)).toBe('2022-03-01');
    expect(dayAfter('2021-12-31', 7)).toBe('2022-01-07');
  });

  it('belong to the week of their Monday, Sunday included', () => {
    expect(['2022-04-11', '2022-04-13', '2022-04-17'].map(mondayOf)).toEqual(['2022-04-11', '2022-04-11', '2022-04-11']);
    expect(mondayOf('2022-04-18')).toBe('2022-04-18');
  });
});
