#compdef slashnet
# Completion of slashnet for zsh: eval "$(slashnet completion zsh)", behind compinit

_slashnet() {
    local candidates kind line
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
        _describe slashnet "${lines[@]/$'\t'/:}"
        return
    fi
    # Only the last name of a path is shown and matched.
    compset -P '*/' && lines=("${(@)lines##*/(#e)}")
    for line in "${lines[@]}"; do
        if [[ $line == */ ]]; then dirs+=("$line"); else files+=("$line"); fi
    done
    compadd -S '' -a dirs
    compadd -a files
}

if [[ $funcstack[1] == _slashnet ]]; then
    _slashnet "$@"
else
    compdef _slashnet slashnet
fi
