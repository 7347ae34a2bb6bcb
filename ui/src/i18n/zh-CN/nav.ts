/** The left navigation, and the page titles of the same names. */
export default {
  label: '主导航',
  workbench: '工作台',
  subjects: '检查对象',
  inspections: '检查',
  findings: '问题',
  overview: '监管总览',
  documents: '文书',
  sync: '同步',
  nearby: '附近的电脑',
  packages: '数据包',
  conflicts: '冲突',
  admin: '管理',
  settings: '设置',
  gallery: '组件陈列',
  collapse: '收起导航',
  expand: '展开导航',
};
