; The installer for Windows 10 and 11: for the person who runs it, without administrator rights, without the internet.
;
; makensis -INPUTCHARSET UTF8 -DVERSION=… -DFILES=… -DFONTS=… -DPACKS=… -DICON=… -DOUT=… [-DLOADER=1] [-DRUNTIME=…] [-DSIGNER=…] installer.nsi
;
; On its command line: /S asks nothing; /SERVER puts the central endpoint's program there too; /D=C:\folder (last, unquoted) chooses
; another folder. The uninstaller: /S asks nothing and leaves the records; /PURGE removes them too.
;
; It ends with 0 when all is done, 1 when it was cancelled, 2 when a file could not be written, 3 when a newer version is there,
; 4 when the program runs, 5 when this Windows is too old.
;
; Invariant: nothing below the folder for records is written by the installer, and nothing of it removed unless a person chose so.

Unicode true
Target amd64-unicode
SetCompressor /SOLID lzma
SetCompressorDictSize 64
RequestExecutionLevel user
ManifestSupportedOS all
ManifestDPIAware true
ManifestLongPathAware true
CRCCheck force
; A file that cannot be written is no small matter: the setup ends, and what was there stays.
AllowSkipFiles off

!include MUI2.nsh
!include FileFunc.nsh
!include LogicLib.nsh
!include nsDialogs.nsh
!include Sections.nsh
!include WinVer.nsh
!include WordFunc.nsh
!include x64.nsh

!define PROGRAM "Shicha.exe"
!define SERVER "shicha-server.exe"
!define UNINSTALLER "uninstall.exe"
!define FILE_TYPE "Shicha.Package"
; Where files are unpacked, below the folder of the program so that they can be moved to their places in one step each.
!define UNPACKED "$INSTDIR\shicha-setup"
!define SETTINGS "Software\Shicha"
!define LISTED "Software\Microsoft\Windows\CurrentVersion\Uninstall\Shicha"
!define NOTICES "Software\Classes\AppUserModelId\cn.shicha.desktop"
!define AT_LOGON "Software\Microsoft\Windows\CurrentVersion\Run"
!define AT_LOGON_APPROVED "Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
; As the application chooses it: the system's folder for application data, and the identifier in tauri.conf.json.
!define RECORDS "$LOCALAPPDATA\cn.shicha.desktop"
; How Microsoft's window component says that it is there.
!define COMPONENT "Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}"
!define COMPONENT_SETUP "MicrosoftEdgeWebView2RuntimeInstallerX64.exe"

!ifdef SIGNER
  !uninstfinalize '"${SIGNER}" "%1"' = 0
  !finalize '"${SIGNER}" "%1"' = 0
!endif

Name "$(PRODUCT)"
BrandingText "Shicha ${VERSION}"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\Shicha"
InstallDirRegKey HKCU "${SETTINGS}" "Folder"
ShowInstDetails nevershow
ShowUninstDetails nevershow

VIProductVersion "${VERSION}.0"
VIFileVersion "${VERSION}.0"
VIAddVersionKey /LANG=0 ProductName "Shicha"
VIAddVersionKey /LANG=0 FileDescription "Shicha setup"
VIAddVersionKey /LANG=0 FileVersion "${VERSION}"
VIAddVersionKey /LANG=0 ProductVersion "${VERSION}"
VIAddVersionKey /LANG=0 LegalCopyright "Shicha"

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
; Made from side.svg: 164 × 314 pixels, 256 colours, not compressed.
!define MUI_WELCOMEFINISHPAGE_BITMAP "side.bmp"
!define MUI_ABORTWARNING
!define MUI_COMPONENTSPAGE_NODESC
!define MUI_FINISHPAGE_RUN "$INSTDIR\${PROGRAM}"
!define MUI_FINISHPAGE_RUN_TEXT "$(RUN)"
!define MUI_FINISHPAGE_TEXT "$(DONE)"

!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
UninstPage custom un.askRecords un.readRecords
!insertmacro MUI_UNPAGE_INSTFILES

; The first is for a Windows in any other language.
!insertmacro MUI_LANGUAGE SimpChinese
!insertmacro MUI_LANGUAGE English
!include texts.nsh

Var isPurged
Var keepBox
Var purgeBox

; Ends with a code that says why, after a message where somebody looks.
!macro EndWith CODE MESSAGE
  MessageBox MB_OK|MB_ICONSTOP "${MESSAGE}" /SD IDOK
  SetErrorLevel ${CODE}
  Quit
!macroend

; A program that runs cannot be written to. Waits for the person to close it; nobody there: gives up.
!macro NotRunning FILE
  ${Do}
    ${IfNot} ${FileExists} "$INSTDIR\${FILE}"
      ${Break}
    ${EndIf}
    ClearErrors
    FileOpen $0 "$INSTDIR\${FILE}" a
    ${IfNot} ${Errors}
      FileClose $0
      ${Break}
    ${EndIf}
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$(RUNNING)" /SD IDCANCEL IDRETRY +3
    SetErrorLevel 4
    Quit
  ${Loop}
!macroend

; Moves a file over the one that is there: a setup that is cut short leaves each file old or new. 9: replace, and be on the disk before
; it is said to be done. What cannot be moved sets the error flag.
!macro Put FILE
  StrCpy $1 "${UNPACKED}\${FILE}"
  StrCpy $2 "$INSTDIR\${FILE}"
  System::Call 'kernel32::MoveFileExW(w r1, w r2, i 9) i .r0'
  ${If} $0 == 0
    SetErrors
  ${EndIf}
!macroend

; Nothing stays where files were unpacked; and if one of them could not be moved, the setup ends.
!macro AllPut
  StrCpy $3 0
  ${If} ${Errors}
    StrCpy $3 1
  ${EndIf}
  SetOutPath "$INSTDIR"
  RMDir /r "${UNPACKED}"
  ${If} $3 == 1
    !insertmacro EndWith 4 "$(RUNNING)"
  ${EndIf}
!macroend

; The version of the window component in $0; empty: there is none.
!macro FindComponent
  ReadRegStr $0 HKLM "SOFTWARE\WOW6432Node\${COMPONENT}" "pv"
  ${If} $0 == ""
  ${OrIf} $0 == "0.0.0.0"
    ReadRegStr $0 HKCU "Software\${COMPONENT}" "pv"
  ${EndIf}
  ${If} $0 == "0.0.0.0"
    StrCpy $0 ""
  ${EndIf}
!macroend

Section "$(PART_PROGRAM)" partProgram
  SectionIn RO
  !insertmacro NotRunning "${PROGRAM}"
  ; What a setup that was cut short left behind.
  RMDir /r "${UNPACKED}"
  SetOutPath "${UNPACKED}\fonts"
  File "${FONTS}/NotoSerifSC_400Regular.ttf"
  File "${FONTS}/NotoSerifSC_700Bold.ttf"
  SetOutPath "${UNPACKED}"
  File "${FILES}/${PROGRAM}"
  !ifdef LOADER
    File "${FILES}/WebView2Loader.dll"
  !endif
  WriteUninstaller "${UNPACKED}\${UNINSTALLER}"
  CreateDirectory "$INSTDIR\fonts"
  ClearErrors
  !ifdef LOADER
    !insertmacro Put "WebView2Loader.dll"
  !endif
  !insertmacro Put "${PROGRAM}"
  !insertmacro Put "fonts\NotoSerifSC_400Regular.ttf"
  !insertmacro Put "fonts\NotoSerifSC_700Bold.ttf"
  !insertmacro Put "${UNINSTALLER}"
  !insertmacro AllPut

  CreateShortcut "$SMPROGRAMS\$(SHORTCUT).lnk" "$INSTDIR\${PROGRAM}"

  WriteRegStr HKCU "Software\Classes\.shicha" "" "${FILE_TYPE}"
  WriteRegStr HKCU "Software\Classes\${FILE_TYPE}" "" "$(FILE_TYPE_NAME)"
  WriteRegStr HKCU "Software\Classes\${FILE_TYPE}\DefaultIcon" "" "$INSTDIR\${PROGRAM},0"
  WriteRegStr HKCU "Software\Classes\${FILE_TYPE}\shell\open\command" "" '"$INSTDIR\${PROGRAM}" "%1"'

  ; Under this name Windows shows the application's notices.
  WriteRegStr HKCU "${NOTICES}" "DisplayName" "$(SHORTCUT)"
  WriteRegStr HKCU "${NOTICES}" "IconUri" "$INSTDIR\${PROGRAM}"

  WriteRegStr HKCU "${SETTINGS}" "Folder" "$INSTDIR"
  ; Where the application looks for what the medium brings besides.
  WriteRegStr HKCU "${SETTINGS}" "Medium" "$EXEDIR"
  WriteRegStr HKCU "${SETTINGS}" "Shortcut" "$(SHORTCUT)"

  WriteRegStr HKCU "${LISTED}" "DisplayName" "$(PRODUCT)"
  WriteRegStr HKCU "${LISTED}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${LISTED}" "DisplayIcon" "$INSTDIR\${PROGRAM},0"
  WriteRegStr HKCU "${LISTED}" "Publisher" "Shicha"
  WriteRegStr HKCU "${LISTED}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${LISTED}" "UninstallString" '"$INSTDIR\${UNINSTALLER}"'
  WriteRegStr HKCU "${LISTED}" "QuietUninstallString" '"$INSTDIR\${UNINSTALLER}" /S'
  WriteRegDWORD HKCU "${LISTED}" "NoModify" 1
  WriteRegDWORD HKCU "${LISTED}" "NoRepair" 1
SectionEnd

Section /o "$(PART_SERVER)" partServer
  !insertmacro NotRunning "${SERVER}"
  SetOutPath "${UNPACKED}\packs"
  File /oname=lyg-2021-training.json "${PACKS}/lyg-2021-training/pack.json"
  SetOutPath "${UNPACKED}"
  File "${FILES}/${SERVER}"
  CreateDirectory "$INSTDIR\packs"
  ClearErrors
  !insertmacro Put "${SERVER}"
  !insertmacro Put "packs\lyg-2021-training.json"
  !insertmacro AllPut
SectionEnd

Section -component
  !insertmacro FindComponent
  ${If} $0 == ""
    StrCpy $1 ""
    !ifdef RUNTIME
      InitPluginsDir
      SetOutPath "$PLUGINSDIR"
      File "/oname=${COMPONENT_SETUP}" "${RUNTIME}"
      SetOutPath "$INSTDIR"
      StrCpy $1 "$PLUGINSDIR\${COMPONENT_SETUP}"
    !else
      ${If} ${FileExists} "$EXEDIR\WebView2\${COMPONENT_SETUP}"
        StrCpy $1 "$EXEDIR\WebView2\${COMPONENT_SETUP}"
      ${ElseIf} ${FileExists} "$EXEDIR\${COMPONENT_SETUP}"
        StrCpy $1 "$EXEDIR\${COMPONENT_SETUP}"
      ${EndIf}
    !endif
    ; Without it the application says at its start what is missing and where it may be.
    ${If} $1 != ""
      DetailPrint "$(COMPONENT_GOES_IN)"
      ExecWait '"$1" /silent /install' $2
      DetailPrint "Microsoft Edge WebView2: $2"
    ${EndIf}
  ${EndIf}
SectionEnd

Section -size
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  WriteRegDWORD HKCU "${LISTED}" "EstimatedSize" $0
  ${RefreshShellIcons}
SectionEnd

Function .onInit
  SetShellVarContext current
  SetRegView 64
  ${IfNot} ${RunningX64}
  ${OrIfNot} ${AtLeastWin10}
    !insertmacro EndWith 5 "$(TOO_OLD)"
  ${EndIf}
  ReadRegStr $0 HKCU "${LISTED}" "DisplayVersion"
  ${If} $0 != ""
    ${VersionCompare} "$0" "${VERSION}" $1
    ${If} $1 == 1
      !insertmacro EndWith 3 "$(NEWER)"
    ${EndIf}
  ${EndIf}
  ; Who had the central endpoint's program keeps it.
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/SERVER" $1
  ${IfNot} ${Errors}
  ${OrIf} ${FileExists} "$INSTDIR\${SERVER}"
    !insertmacro SelectSection ${partServer}
  ${EndIf}
FunctionEnd

Function .onInstFailed
  SetOutPath "$INSTDIR"
  RMDir /r "${UNPACKED}"
FunctionEnd

Function un.onInit
  SetShellVarContext current
  SetRegView 64
  StrCpy $isPurged 0
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/PURGE" $1
  ${IfNot} ${Errors}
    StrCpy $isPurged 1
  ${EndIf}
FunctionEnd

Function un.askRecords
  !insertmacro MUI_HEADER_TEXT "$(RECORDS_TITLE)" "$(RECORDS_SUBTITLE)"
  nsDialogs::Create 1018
  Pop $0
  ${NSD_CreateLabel} 0 0 100% 40u "$(RECORDS_TEXT)"
  Pop $0
  ${NSD_CreateRadioButton} 0 46u 100% 12u "$(RECORDS_KEEP)"
  Pop $keepBox
  ${NSD_CreateRadioButton} 0 62u 100% 12u "$(RECORDS_PURGE)"
  Pop $purgeBox
  ${If} $isPurged == 1
    ${NSD_Check} $purgeBox
  ${Else}
    ${NSD_Check} $keepBox
  ${EndIf}
  ${NSD_CreateLabel} 0 84u 100% 24u "${RECORDS}"
  Pop $0
  nsDialogs::Show
FunctionEnd

Function un.readRecords
  ${NSD_GetState} $purgeBox $0
  ${If} $0 == ${BST_CHECKED}
    MessageBox MB_YESNO|MB_DEFBUTTON2|MB_ICONEXCLAMATION "$(RECORDS_SURE)" IDYES +2
    Abort
    StrCpy $isPurged 1
  ${Else}
    StrCpy $isPurged 0
  ${EndIf}
FunctionEnd

Section Uninstall
  !insertmacro NotRunning "${PROGRAM}"
  !insertmacro NotRunning "${SERVER}"
  ReadRegStr $1 HKCU "${SETTINGS}" "Shortcut"
  ${If} $1 != ""
    Delete "$SMPROGRAMS\$1.lnk"
  ${EndIf}
  ; Each by its name: the folder may be one that other things lie in.
  Delete "$INSTDIR\${PROGRAM}"
  Delete "$INSTDIR\${SERVER}"
  Delete "$INSTDIR\WebView2Loader.dll"
  Delete "$INSTDIR\fonts\NotoSerifSC_400Regular.ttf"
  Delete "$INSTDIR\fonts\NotoSerifSC_700Bold.ttf"
  RMDir "$INSTDIR\fonts"
  Delete "$INSTDIR\packs\lyg-2021-training.json"
  RMDir "$INSTDIR\packs"
  Delete "$INSTDIR\${UNINSTALLER}"
  RMDir /r "${UNPACKED}"
  RMDir "$INSTDIR"

  ReadRegStr $1 HKCU "Software\Classes\.shicha" ""
  ${If} $1 == "${FILE_TYPE}"
    DeleteRegValue HKCU "Software\Classes\.shicha" ""
    DeleteRegKey /ifempty HKCU "Software\Classes\.shicha"
  ${EndIf}
  DeleteRegKey HKCU "Software\Classes\${FILE_TYPE}"
  DeleteRegKey HKCU "${NOTICES}"
  ; The start with Windows, if somebody chose it in the application.
  DeleteRegValue HKCU "${AT_LOGON}" "Shicha"
  DeleteRegValue HKCU "${AT_LOGON_APPROVED}" "Shicha"
  DeleteRegKey HKCU "${LISTED}"
  DeleteRegKey HKCU "${SETTINGS}"
  ${If} $isPurged == 1
    RMDir /r "${RECORDS}"
  ${EndIf}
  ${RefreshShellIcons}
SectionEnd
