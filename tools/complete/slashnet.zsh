#compdef slashnet
# Completion of slashnet for zsh: eval "$(slashnet completion zsh)", behind compinit

_slashnet() {
    local candidates kind line head=
    local -a lines dirs files
    candidates=$(slashnet __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    kind=$?
    case $kind in
    3) _files && return ;;
    4) _files -/ && return ;;
    esac
    lines=("${(@f)candidates}")
    if (( kind != 5 )); then
        lines=("${(@)lines//:/\\:}")
        lines=("${(@)lines/$'\t'/:}")
        _describe slashnet lines
        return
    fi
    # Of a path, the last name alone is matched and shown.
    compset -P '*/' && head='*/'
    for line in "${lines[@]}"; do
        if [[ $line == */ ]]; then dirs+=("${${line%/}##$~head}/"); else files+=("${line##$~head}"); fi
    done
    compadd -S '' -a dirs
    compadd -a files
}

if [[ $funcstack[1] == _slashnet ]]; then
    _slashnet "$@"
else
    compdef _slashnet slashnet
fi
