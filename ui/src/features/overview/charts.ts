/** How the figures are drawn. What is not signed is pale with a broken edge: it may still change. */
import type { OverviewItem } from '@/bindings/OverviewItem';
import type { ChartOption } from '@/components/EChart.vue';
import { t } from '@/i18n';
import type { Line } from './figures';

const SIGNED = '#0b4f8a';
const UNSIGNED = '#c3daef';
const FINDINGS = '#d08a1d';
const BAD = '#b3211f';
const BAR_PX = 14;

/** The height at which every bar of a lying chart has its name beside it. */
export function lyingHeight(lines: number, barsEach: number): number {
  return Math.max(180, 64 + lines * (barsEach * 16 + 8));
}

function series(lines: Line[], findingsAs: 'bar' | 'line'): ChartOption['series'] {
  const stack = { type: 'bar' as const, stack: 'inspections', barMaxWidth: findingsAs === 'line' ? 28 : BAR_PX };
  const findings = lines.map((line) => line.findings);
  return [
    { ...stack, name: t('overview.signed'), itemStyle: { color: SIGNED }, data: lines.map((line) => line.signed) },
    {
      ...stack,
      name: t('overview.unsigned'),
      itemStyle: { color: UNSIGNED, borderColor: SIGNED, borderType: 'dashed', borderWidth: 0.8 },
      // None is no bar: one of no length would still have its edge.
      data: lines.map((line) => line.inspections - line.signed || '-'),
    },
    findingsAs === 'line'
      ? { type: 'line', name: t('overview.findings'), itemStyle: { color: FINDINGS }, symbolSize: 7, data: findings }
      : { type: 'bar', name: t('overview.findings'), itemStyle: { color: FINDINGS }, barMaxWidth: BAR_PX, data: findings },
  ];
}

const NAMES = { type: 'category' as const, axisTick: { show: false } };
const COUNTS = { type: 'value' as const, minInterval: 1 };

/** Bars that lie, the first line on top. */
export function lyingBars(lines: Line[]): ChartOption {
  return {
    xAxis: COUNTS,
    yAxis: { ...NAMES, inverse: true, data: lines.map(({ name }) => name), axisLabel: { width: 150, overflow: 'truncate', interval: 0 } },
    series: series(lines, 'bar'),
  };
}

/** Weeks from left to right; findings as a line. */
export function weekBars(lines: Line[]): ChartOption {
  return {
    xAxis: { ...NAMES, data: lines.map((line) => (line.isRunning ? `${line.name}\n${t('overview.thisWeek')}` : line.name)) },
    yAxis: COUNTS,
    series: series(lines, 'line'),
  };
}

export function kindBars(lines: Line[]): ChartOption {
  return {
    xAxis: { ...NAMES, data: lines.map(({ name }) => name), axisLabel: { interval: 0, width: 130, overflow: 'break' } },
    yAxis: COUNTS,
    series: series(lines, 'bar'),
  };
}

export function itemBars(items: OverviewItem[]): ChartOption {
  return {
    legend: { show: false },
    grid: { left: 8, right: 40, top: 4, bottom: 8, containLabel: true },
    tooltip: { trigger: 'axis', confine: true, axisPointer: { type: 'shadow' }, extraCssText: 'max-width: 420px; white-space: normal' },
    xAxis: COUNTS,
    yAxis: {
      ...NAMES,
      inverse: true,
      data: items.map(({ item, question }) => `${item} ${question}`),
      axisLabel: { width: 240, overflow: 'truncate', interval: 0 },
    },
    series: [
      {
        type: 'bar',
        name: t('overview.nonconforming'),
        itemStyle: { color: BAD },
        barMaxWidth: BAR_PX,
        label: { show: true, position: 'right' },
        data: items.map(({ nonconforming }) => nonconforming),
      },
    ],
  };
}
