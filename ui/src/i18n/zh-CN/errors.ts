/** One entry per error code: what happened, what is safe, what to do. */
export default {
  notice: {
    label: '出现问题',
    openSync: '查看同步情况',
    openConflicts: '查看冲突',
    openSettings: '打开设置',
    enrol: '重新登记本机',
    reload: '重新打开界面',
    code: '代码 {code}',
  },
  unknown_code: {
    happened: '这一步没有完成。',
    safe: '之前显示“已存本机”的内容不受影响。',
    advice: '请重试；若仍不行，请把代码 {code} 告诉管理员。',
  },
  unexpected: {
    happened: '界面遇到了没有预料到的情况，这一步没有完成。',
    safe: '之前显示“已存本机”的内容不受影响。',
    advice: '请重试；若仍不行，请重新打开界面，并把下面的说明告诉管理员：{reason}',
  },
  host_unreachable: {
    happened: '界面与本机台账的联系中断了。',
    safe: '已经显示“已存本机”的内容都在；正在输入的文字仍保留在界面上。',
    advice: '请稍候再试；若仍不行，请重新打开程序。',
  },
  evidence_unreadable: {
    happened: '这份证据暂时打不开。',
    safe: '原件没有改动。',
    advice: '请重试；若这份证据还没有从服务器取回，请先同步。',
  },
};
